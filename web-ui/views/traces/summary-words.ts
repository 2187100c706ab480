/** How a call went, in one sentence. Must not know the browser. */
import type { Ladder } from '../../../firmware/api/traces.js';
import type { Language } from '../../app/languages.js';
import { failureText } from './failure-words.js';
import { furthestStep, setUpTime_ms, userOf } from './ladder-layout.js';
import { stepName } from './step-words.js';

const WORDS = {
  en: {
    someone: 'a user without a name',
    failed: (user: string, step: string, why: string) => `The call of ${user} failed in ${step}: ${why}`,
    failedSomewhere: (user: string, why: string) => `The call of ${user} failed: ${why}`,
    failedSomehow: (user: string) => `The call of ${user} failed.`,
    step: (number: number, name: string) => `step ${number} (${name})`,
    up: (user: string, time: string) => `The call of ${user} is up${time}.`,
    ended: (user: string, time: string) => `The call of ${user} was up and has ended${time}.`,
    took: (time: string) => `; its set-up took ${time}`,
    underWay: (user: string, step: string) => `The call of ${user} is under way, in ${step}.`,
    begins: (user: string) => `The call of ${user} begins.`,
  },
  de: {
    someone: 'einem Benutzer ohne Namen',
    failed: (user: string, step: string, why: string) => `Der Anruf von ${user} ist in ${step} gescheitert: ${why}`,
    failedSomewhere: (user: string, why: string) => `Der Anruf von ${user} ist gescheitert: ${why}`,
    failedSomehow: (user: string) => `Der Anruf von ${user} ist gescheitert.`,
    step: (number: number, name: string) => `Schritt ${number} (${name})`,
    up: (user: string, time: string) => `Der Anruf von ${user} steht${time}.`,
    ended: (user: string, time: string) => `Der Anruf von ${user} stand und ist beendet${time}.`,
    took: (time: string) => `; der Aufbau dauerte ${time}`,
    underWay: (user: string, step: string) => `Der Anruf von ${user} ist im Gang, in ${step}.`,
    begins: (user: string) => `Der Anruf von ${user} beginnt.`,
  },
};

export function summary(ladder: Ladder, language: Language): string {
  const words = WORDS[language];
  const user = userOf(ladder) || words.someone;
  const step = (number: number) => words.step(number, stepName(number, language));
  if (ladder.outcome === 'failed') {
    if (ladder.failure === null) return words.failedSomehow(user);
    const why = sentence(failureText(ladder.failure, language));
    if (ladder.failure.step === 0) return words.failedSomewhere(user, why);
    return words.failed(user, step(ladder.failure.step), why);
  }
  if (ladder.outcome === 'in-progress') {
    const furthest = furthestStep(ladder);
    return furthest === 0 ? words.begins(user) : words.underWay(user, step(furthest));
  }
  const took_ms = setUpTime_ms(ladder);
  const time = took_ms === null ? '' : words.took(seconds(took_ms, language));
  return ladder.outcome === 'up' ? words.up(user, time) : words.ended(user, time);
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** As in 1.234 s. */
export const seconds = (length_ms: number, language: Language): string =>
  `${(length_ms / 1000).toLocaleString(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 })} s`;
