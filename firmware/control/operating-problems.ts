/**
 * What of the settings is not in force, in words for the operator. Pure.
 */
import type { Settings } from '../settings.js';
import type { Rescue } from '../store/rescue.js';
import type { OperatingProblem } from './view.js';

/** What the running box brings along. */
export interface Seen {
  /** The UDP port that is open. */
  listeningPort: number;
  /** Packets go in one piece. */
  packetOffload: boolean;
  /** Those of IP protocol 115. */
  refusedSockets: readonly OperatingProblem[];
}

export function settingsProblems(settings: Settings, seen: Seen): OperatingProblem[] {
  const { listeningPort, packetOffload, refusedSockets } = seen;
  const { port } = settings.l2tp;
  const advice = 'restart the program';
  const problems: OperatingProblem[] = [];
  if (port !== listeningPort) {
    const what = `the program still listens on UDP port ${listeningPort}, not on l2tp.port ${port}`;
    problems.push({ what, advice });
  }
  if (settings.routing.packetOffload !== packetOffload) {
    const what = `routing.packetOffload is still ${packetOffload ? 'on' : 'off'}`;
    problems.push({ what, advice });
  }
  return usesIp(settings) ? [...problems, ...refusedSockets] : problems;
}

/** Whether anything would go or come as IP protocol 115. */
function usesIp({ l2tp, lns, lac, lacClients, pseudowires }: Settings): boolean {
  const wires = pseudowires.filter(({ enabled }) => enabled);
  const isCalled = lns.enabled || wires.some(({ mode }) => mode === 'listen');
  return (
    (isCalled && l2tp.accepts.includes('ip')) ||
    (lac.enabled && lac.tunnelGroups.some(({ servers }) => servers.some((one) => one.encapsulation === 'ip'))) ||
    lacClients.some(({ enabled, encapsulation }) => enabled && encapsulation === 'ip') ||
    wires.some(({ mode, encapsulation }) => mode !== 'listen' && encapsulation === 'ip')
  );
}

const SHOWN_MS = 7 * 86_400_000;

/** What was done to the database so that the box could go on, as long as it is news. `now_ms` is Unix time. */
export function rescueProblems(rescues: readonly Rescue[], now_ms: number): OperatingProblem[] {
  const texts = {
    damaged: 'was damaged, and has been set aside: the box began anew with factory settings',
    later: 'was written by a later version, and has been set aside: the box began anew with factory settings',
    'later-copy':
      'was written by a later version, and has been set aside: the box has the settings of before that version',
  };
  const advice = 'look through the settings, and restore a backup if they are not what they should be';
  return rescues
    .filter(({ at_ms }) => now_ms - at_ms < SHOWN_MS)
    .map(({ kind, file }) => ({ what: `the database ${texts[kind]} (${file})`, advice }));
}
