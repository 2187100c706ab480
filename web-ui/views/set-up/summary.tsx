/** The plan of the set-up in words. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../../app/language.js';
import { Pairs } from '../../parts/pairs.js';
import { natInterfaces, type Plan } from './plan.js';
import { type SetUpWords, WORDS } from './words.js';

type Line = readonly [name: string, text: ComponentChildren];

export function Summary({ plan }: { plan: Plan }) {
  const words = useWords(WORDS);
  const lines: Line[] = [
    [words.summary.role, words.roles[plan.role].label],
    [words.summary.interfaces, <InterfaceLines key="interfaces" plan={plan} />],
    ...(plan.role === 'lns' ? ofLns(plan, words) : plan.role === 'lac' ? ofLac(plan, words) : ofClient(plan, words)),
  ];
  return <Pairs pairs={lines} />;
}

function InterfaceLines({ plan: { interfaces } }: { plan: Plan }) {
  const words = useWords(WORDS);
  if (interfaces.length === 0) return <>{words.summary.noInterfaces}</>;
  return (
    <>
      {interfaces.map(({ name, role, addressing, addresses, gateway, dhcpServer }) => {
        const own = addressing === 'static' ? addresses.join(', ') : words.summary[addressing];
        const way = addressing === 'static' && gateway ? ` → ${gateway}` : '';
        const given = dhcpServer ? `, ${words.summary.dhcpText(dhcpServer.first, dhcpServer.last)}` : '';
        return <div key={name}>{`${name}: ${words.interfaceRoles[role]}, ${own}${way}${given}`}</div>;
      })}
    </>
  );
}

function ofLns(plan: Plan, { summary }: SetUpWords): Line[] {
  const { pool, user, radius } = plan;
  const local = user.name === '' ? summary.usersStay : summary.userText(user.name);
  return [
    [summary.pool, summary.poolText(pool.first, pool.last, pool.localAddress)],
    [summary.dns, pool.dns.join(', ') || summary.none],
    [summary.users, plan.users === 'local' ? local : summary.radiusText(`${radius.address}, ${radius.port}`)],
    [summary.out, plan.nat ? summary.natText(natInterfaces(plan).join(', ') || summary.none) : summary.routedText],
  ];
}

const ofLac = ({ lac }: Plan, { summary }: SetUpWords): Line[] => [
  [summary.pppoe, lac.interfaces.join(', ')],
  [summary.lns, lac.server],
];

const ofClient = ({ client }: Plan, { summary }: SetUpWords): Line[] => [
  [summary.lns, client.server],
  [summary.user, client.userName],
  [summary.routes, client.routes.join(', ') || summary.none],
];
