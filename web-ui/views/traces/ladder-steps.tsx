/** The ladder itself: lanes, the fourteen steps, and each message as an arrow that opens to show what was in it. */
import { useId, useState } from 'preact/hooks';
import type { Ladder, LadderMessage, Lane } from '../../../firmware/api/traces.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { failureText } from './failure-words.js';
import { placeOf, type StepOfCall, type StepReach, stepsOfCall } from './ladder-layout.js';
import { messageText } from './message-words.js';
import { LANES, laneName, stepName } from './step-words.js';
import { seconds } from './summary-words.js';

const WORDS = {
  en: {
    title: 'Ladder',
    hint: 'A message opens with a click or Enter, and shows what was in it.',
    step: 'Step',
    took: (time: string) => `took ${time}`,
    reaches: {
      done: '',
      failed: 'failed',
      elsewhere: 'seen by the other box only',
      'not-reached': 'not reached',
      'not-yet': 'not yet',
      skipped: 'not in this call',
      unseen: 'only the other box can know',
    } as Record<StepReach, string>,
    failed: 'failed',
    elsewhere: 'seen by the other box only',
    within: (lane: string) => `within ${lane}`,
    way: (from: string, to: string) => `${from} to ${to}`,
    travelled: 'On its way',
    seenBy: 'Seen by',
    seen: { here: 'this box', elsewhere: 'the other box', both: 'both boxes' },
    at: 'Since the call began',
    nothing: 'Nothing more is known of it.',
    noMessages: 'No message of this call has been seen yet.',
  },
  de: {
    title: 'Leiter',
    hint: 'Eine Nachricht öffnet sich mit Klick oder Eingabetaste und zeigt, was in ihr stand.',
    step: 'Schritt',
    took: (time: string) => `dauerte ${time}`,
    reaches: {
      done: '',
      failed: 'gescheitert',
      elsewhere: 'nur vom anderen Gerät gesehen',
      'not-reached': 'nicht erreicht',
      'not-yet': 'noch nicht',
      skipped: 'nicht in diesem Anruf',
      unseen: 'das weiß nur das andere Gerät',
    } as Record<StepReach, string>,
    failed: 'gescheitert',
    elsewhere: 'nur vom anderen Gerät gesehen',
    within: (lane: string) => `in ${lane}`,
    way: (from: string, to: string) => `${from} an ${to}`,
    travelled: 'Unterwegs',
    seenBy: 'Gesehen von',
    seen: { here: 'diesem Gerät', elsewhere: 'dem anderen Gerät', both: 'beiden Geräten' },
    at: 'Seit Beginn des Anrufs',
    nothing: 'Mehr ist von ihr nicht bekannt.',
    noMessages: 'Von diesem Anruf wurde noch keine Nachricht gesehen.',
  },
};
const REACH_KINDS: Readonly<Partial<Record<StepReach, BadgeKind>>> = { failed: 'bad' };

export function LadderSteps({ ladder }: { ladder: Ladder }) {
  const words = useWords(WORDS);
  const { lanes } = ladder;
  if (ladder.messages.length === 0) return <p class="empty">{words.noMessages}</p>;
  return (
    <section class="ladder" aria-label={words.title} style={{ '--lanes': String(lanes.length) }}>
      <p class="quiet small">{words.hint}</p>
      <div class="lane-heads" aria-hidden="true">
        <span />
        <div>
          {lanes.map((lane) => (
            <LaneHead key={lane} lane={lane} />
          ))}
        </div>
      </div>
      <ol class="ladder-steps">
        {stepsOfCall(ladder).map((step) => (
          <Step key={step.number} step={step} lanes={lanes} />
        ))}
      </ol>
    </section>
  );
}

function LaneHead({ lane }: { lane: Lane }) {
  const { name, of } = LANES[lane];
  return (
    <span class="lane-head">
      {name}
      {of !== '' && <span class="quiet small"> {of}</span>}
    </span>
  );
}

function Step({ step, lanes }: { step: StepOfCall; lanes: readonly Lane[] }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { number, reach, took_ms, messages } = step;
  return (
    <li class={`ladder-step reach-${reach}`}>
      <h2>
        {number > 0 && (
          <span class="step-number">
            <span class="unseen">{words.step} </span>
            {number}
          </span>
        )}
        <span class="step-name">{stepName(number, language)}</span>
        {reach === 'done' ? (
          took_ms !== null && took_ms > 0 && <span class="step-note">{words.took(seconds(took_ms, language))}</span>
        ) : (
          <StepReachNote reach={reach} />
        )}
      </h2>
      {messages.length > 0 && (
        <ol class="messages">
          {keyed(messages).map(([key, message]) => (
            <Message key={key} message={message} lanes={lanes} />
          ))}
        </ol>
      )}
    </li>
  );
}

function StepReachNote({ reach }: { reach: StepReach }) {
  const words = useWords(WORDS);
  const kind = REACH_KINDS[reach];
  if (kind === undefined) return <span class="step-note">{words.reaches[reach]}</span>;
  return <Badge kind={kind}>{`× ${words.reaches[reach]}`}</Badge>;
}

/** What is the same is told apart by how often it came; a message keeps its name when others come in before it. */
function keyed(messages: readonly LadderMessage[]): [string, LadderMessage][] {
  const seen = new Map<string, number>();
  return messages.map((message) => {
    const name = `${message.from} ${message.to} ${message.protocol} ${message.what}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return [`${name} ${times}`, message];
  });
}

function Message({ message, lanes }: { message: LadderMessage; lanes: readonly Lane[] }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const { protocol, seenBy, failed, failure } = message;
  const marks = [failed ? 'is-failed' : '', seenBy === 'elsewhere' ? 'is-elsewhere' : ''].join(' ');
  return (
    <li class={`message ${marks}`}>
      <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <span class="message-time">{seconds(message.at_ms, language)}</span>
        <span class="message-way">{wayOf(message, words)}</span>
        <span class="message-lanes">
          <Arrow message={message} lanes={lanes} />
        </span>
        <span class="message-text">
          {protocol !== '' && <span class="quiet">{protocol} </span>}
          {messageText(message, language)}
          {seenBy === 'elsewhere' && <span class="unseen">, {words.elsewhere}</span>}
        </span>
        {failed && <span class="message-failed">× {words.failed}</span>}
      </button>
      {failure !== null && <p class="message-why">{failureText(failure, language)}</p>}
      <div id={id} hidden={!isOpen} class="message-fields">
        {isOpen && <Fields message={message} />}
      </div>
    </li>
  );
}

function wayOf({ from, to }: LadderMessage, words: (typeof WORDS)['en']): string {
  return from === to ? words.within(laneName(from)) : words.way(laneName(from), laneName(to));
}

/** Drawn for the eye; who reads by ear has it in words beside it. */
function Arrow({ message, lanes }: { message: LadderMessage; lanes: readonly Lane[] }) {
  const language = useLanguage();
  const { left, right, direction } = placeOf(message, lanes);
  const { protocol } = message;
  // Within a box, and at the last lane to its left, there is no arrow to write over.
  const isAtEnd = direction === 'within' && left >= lanes.length * 2;
  const columns = direction !== 'within' ? `${left} / ${right}` : isAtEnd ? `1 / ${left}` : `${left} / -1`;
  return (
    <span
      class={`arrow arrow-${direction}${isAtEnd ? ' at-end' : ''}`}
      style={{ gridColumn: columns }}
      aria-hidden="true"
    >
      <span class="arrow-label">
        {protocol !== '' && <span class="arrow-protocol">{protocol} </span>}
        {messageText(message, language)}
      </span>
    </span>
  );
}

function Fields({ message }: { message: LadderMessage }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { at_ms, seenBy, travel_ms, fields } = message;
  const known: [string, string][] = [
    [words.at, seconds(at_ms, language)],
    [words.seenBy, words.seen[seenBy]],
    ...(travel_ms === null ? [] : [[words.travelled, seconds(travel_ms, language)] as [string, string]]),
  ];
  return (
    <>
      {fields.length === 0 ? (
        <p class="quiet">{words.nothing}</p>
      ) : (
        <dl class="pairs">
          {fields.map(({ name, value }, at) => (
            <div key={at} class="pair">
              <dt>{name}</dt>
              <dd class="mono">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="quiet small">{known.map(([name, value]) => `${name}: ${value}`).join(' · ')}</p>
    </>
  );
}
