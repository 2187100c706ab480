/** What each step of the set-up asks, as fields of the plan; the summary is in summary-step.tsx. */
import type { ComponentChildren } from 'preact';
import { count } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { ChoiceCards } from '../../parts/choice-cards.js';
import { NumberField, SecretField, TextField, TickField, useFault } from '../../parts/form.js';
import { rangeSize } from '../../parts/ipv4.js';
import { NewPasswordField } from '../../parts/new-password-field.js';
import { Notice } from '../../parts/notice.js';
import { TextLines } from '../../parts/text-lines.js';
import { InterfaceFields } from './interface-fields.js';
import { type Found, natInterfaces, type Plan, portsOf, type Role, type Step } from './plan.js';
import { WORDS } from './words.js';

export interface StepProps {
  plan: Plan;
  found: Found;
  onChange(plan: Plan): void;
}

function RoleStep({ plan, onChange }: StepProps) {
  const words = useWords(WORDS);
  const roles: readonly Role[] = ['lns', 'lac', 'client'];
  return (
    <ChoiceCards
      label={words.steps.role.title}
      value={plan.role}
      options={roles.map((role) => ({ value: role, ...words.roles[role] }))}
      onInput={(role) => onChange({ ...plan, role })}
    />
  );
}

function InterfacesStep({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  if (plan.interfaces.length === 0) return <Notice>{words.noInterfaces}</Notice>;
  const hasLan = plan.interfaces.some(({ role }) => role === 'lan');
  return (
    <>
      {plan.interfaces.map((planned, at) => (
        <InterfaceFields
          key={planned.name}
          planned={planned}
          port={portsOf(found).find(({ name }) => name === planned.name)}
          pointer={`/settings/interfaces/${at}`}
          onChange={(changed) => onChange({ ...plan, interfaces: plan.interfaces.with(at, changed) })}
        />
      ))}
      {!hasLan && <Notice kind="warn">{words.noLan}</Notice>}
    </>
  );
}

function PoolStep({ plan, onChange }: StepProps) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { pool } = plan;
  const set = (change: Partial<Plan['pool']>) => onChange({ ...plan, pool: { ...pool, ...change } });
  const size = rangeSize(pool.first, pool.last);
  return (
    <>
      <div class="columns">
        <TextField
          label={words.first}
          pointer="/pool/ranges/0/first"
          value={pool.first}
          onInput={(first) => set({ first })}
        />
        <TextField
          label={words.last}
          pointer="/pool/ranges/0/last"
          hint={size > 0 ? words.addresses(count(size, language)) : undefined}
          value={pool.last}
          onInput={(last) => set({ last })}
        />
      </div>
      <TextField
        label={words.own}
        pointer="/settings/lns/localAddress"
        hint={words.ownHint}
        value={pool.localAddress}
        onInput={(localAddress) => set({ localAddress })}
      />
      <TextField
        label={words.dns}
        pointer="/settings/lns/dns"
        hint={words.dnsHint}
        value={pool.dns.join(', ')}
        onInput={(text) => set({ dns: text === '' ? [] : text.split(/,\s*/) })}
      />
    </>
  );
}

function UsersStep({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  return (
    <>
      <ChoiceCards
        label={words.steps.users.title}
        value={plan.users}
        options={[
          { value: 'local', ...words.local },
          { value: 'radius', ...words.radius },
        ]}
        onInput={(users) => onChange({ ...plan, users })}
      />
      {plan.users === 'local' ? (
        <FirstUser plan={plan} found={found} onChange={onChange} />
      ) : (
        <RadiusServer plan={plan} found={found} onChange={onChange} />
      )}
    </>
  );
}

function FirstUser({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  const { user } = plan;
  const set = (change: Partial<Plan['user']>) => onChange({ ...plan, user: { ...user, ...change } });
  return (
    <>
      <TextField
        label={found.hasUsers ? words.anotherUser : words.firstUser}
        pointer="/user/name"
        hint={found.hasUsers ? words.anotherHint : undefined}
        autocomplete="off"
        value={user.name}
        onInput={(name) => set({ name })}
      />
      <NewPasswordField
        label={words.userPassword}
        pointer="/user/password"
        value={user.password}
        onInput={(password) => set({ password })}
      />
    </>
  );
}

function RadiusServer({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  const { radius } = plan;
  const set = (change: Partial<Plan['radius']>) => onChange({ ...plan, radius: { ...radius, ...change } });
  const place = '/settings/radius/authentication/0';
  return (
    <>
      <div class="columns">
        <TextField
          label={words.radiusServer}
          pointer={`${place}/address`}
          value={radius.address}
          onInput={(address) => set({ address })}
        />
        <NumberField
          label={words.radiusPort}
          pointer={`${place}/port`}
          min={1}
          max={65535}
          value={radius.port}
          onInput={(port = 1812) => set({ port })}
        />
      </div>
      <SecretField
        label={words.radiusSecret}
        pointer={`${place}/secret`}
        value={radius.secret}
        isSet={found.settings.radius.authentication.length > 0}
        onInput={(secret = '') => set({ secret })}
      />
    </>
  );
}

function RoutingStep({ plan, onChange }: StepProps) {
  const words = useWords(WORDS);
  const { first, last } = plan.pool;
  return (
    <ChoiceCards
      label={words.steps.routing.title}
      value={plan.nat ? 'nat' : 'routed'}
      options={[
        { value: 'nat', label: words.nat.label, text: words.nat.text(natInterfaces(plan).join(', ') || words.noNat) },
        { value: 'routed', label: words.routed.label, text: words.routed.text(`${first} – ${last}`) },
      ]}
      onInput={(way) => onChange({ ...plan, nat: way === 'nat' })}
    />
  );
}

function LacStep({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  const fault = useFault('/settings/lac/interfaces');
  const { lac } = plan;
  const set = (change: Partial<Plan['lac']>) => onChange({ ...plan, lac: { ...lac, ...change } });
  const server = found.settings.lac.tunnelGroups[0]?.servers[0] as { secretSet?: boolean } | undefined;
  const place = '/settings/lac/tunnelGroups/0/servers/0';
  return (
    <>
      <fieldset>
        <legend>{words.pppoe}</legend>
        {plan.interfaces.map(({ name, role }) => (
          <TickField
            key={name}
            label={`${name} (${words.interfaceRoles[role]})`}
            value={lac.interfaces.includes(name)}
            onInput={(isChosen) => {
              const others = lac.interfaces.filter((each) => each !== name);
              set({ interfaces: isChosen ? [...others, name] : others });
            }}
          />
        ))}
        {plan.interfaces.length === 0 && <p class="quiet">{words.noInterfaces}</p>}
        {fault && <span class="fault">{fault}</span>}
      </fieldset>
      <TextField
        label={words.lns}
        pointer={`${place}/server`}
        value={lac.server}
        onInput={(text) => set({ server: text })}
      />
      <SecretField
        label={words.tunnelSecret}
        pointer={`${place}/secret`}
        hint={words.tunnelSecretHint}
        value={lac.secret}
        isSet={server?.secretSet === true}
        onInput={(secret = '') => set({ secret })}
      />
    </>
  );
}

function ClientStep({ plan, found, onChange }: StepProps) {
  const words = useWords(WORDS);
  const { client } = plan;
  const set = (change: Partial<Plan['client']>) => onChange({ ...plan, client: { ...client, ...change } });
  type Stored = { tunnelSecretSet?: boolean; passwordSet?: boolean } | undefined;
  const stored = found.settings.lacClients[0] as Stored;
  const place = '/settings/lacClients/0';
  return (
    <>
      <TextField
        label={words.lns}
        pointer={`${place}/server`}
        value={client.server}
        onInput={(server) => set({ server })}
      />
      <SecretField
        label={words.tunnelSecret}
        pointer={`${place}/tunnelSecret`}
        hint={words.tunnelSecretHint}
        value={client.secret}
        isSet={stored?.tunnelSecretSet === true}
        onInput={(secret = '') => set({ secret })}
      />
      <div class="columns">
        <TextField
          label={words.clientUser}
          pointer={`${place}/userName`}
          autocomplete="off"
          value={client.userName}
          onInput={(userName) => set({ userName })}
        />
        <SecretField
          label={words.clientPassword}
          pointer={`${place}/password`}
          value={client.password}
          isSet={stored?.passwordSet === true}
          onInput={(password = '') => set({ password })}
        />
      </div>
      <TextLines
        label={words.routes}
        pointer={`${place}/routes`}
        hint={words.routesHint}
        value={client.routes}
        onInput={(routes) => set({ routes })}
      />
    </>
  );
}

const FIELDS: Record<Exclude<Step, 'summary'>, (props: StepProps) => ComponentChildren> = {
  role: RoleStep,
  interfaces: InterfacesStep,
  pool: PoolStep,
  users: UsersStep,
  routing: RoutingStep,
  lac: LacStep,
  client: ClientStep,
};

export function StepFields({ step, ...props }: StepProps & { step: Exclude<Step, 'summary'> }) {
  const Fields = FIELDS[step];
  return <Fields {...props} />;
}
