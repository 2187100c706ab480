/**
 * The option negotiation automaton of RFC 1661 section 4, the one for every PPP control protocol: its transition
 * table as data, its restart counter and its restart timer.
 * Must not know any packet format: what an action sends is the control protocol's business.
 */

/** Section 4.2, in the order of its numbers 0 to 9. */
export const AUTOMATON_STATES = [
  'Initial',
  'Starting',
  'Closed',
  'Stopped',
  'Closing',
  'Stopping',
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
  'Opened',
] as const;
export type AutomatonState = (typeof AUTOMATON_STATES)[number];

/** Section 4.3. */
export const AUTOMATON_EVENTS = [
  'Up',
  'Down',
  'Open',
  'Close',
  'TO+',
  'TO-',
  'RCR+',
  'RCR-',
  'RCA',
  'RCN',
  'RTR',
  'RTA',
  'RUC',
  'RXJ+',
  'RXJ-',
  'RXR',
] as const;
export type AutomatonEvent = (typeof AUTOMATON_EVENTS)[number];

/** Section 4.4. */
export type AutomatonAction =
  | 'tlu'
  | 'tld'
  | 'tls'
  | 'tlf'
  | 'irc'
  | 'zrc'
  | 'scr'
  | 'sca'
  | 'scn'
  | 'str'
  | 'sta'
  | 'scj'
  | 'ser';

/** The actions that somebody else than the automaton carries out. */
export type OutwardAction = Exclude<AutomatonAction, 'irc' | 'zrc'>;

export interface Transition {
  readonly actions: readonly AutomatonAction[];
  readonly next: AutomatonState;
}

const to = (next: AutomatonState, ...actions: AutomatonAction[]): Transition => ({ actions, next });
/** The dash of the table: "an event that cannot occur in a properly implemented automaton". */
const illegal = null;

/**
 * RFC 1661 section 4.1, a column of the RFC's table for each state. The options [p] (wait passively) and [r]
 * (restart on Open) are not taken: an L2TP call is a switched circuit with a status signal of its own.
 */
export const TRANSITIONS: Readonly<Record<AutomatonState, Readonly<Record<AutomatonEvent, Transition | null>>>> = {
  Initial: {
    Up: to('Closed'),
    Down: illegal,
    Open: to('Starting', 'tls'),
    Close: to('Initial'),
    'TO+': illegal,
    'TO-': illegal,
    'RCR+': illegal,
    'RCR-': illegal,
    RCA: illegal,
    RCN: illegal,
    RTR: illegal,
    RTA: illegal,
    RUC: illegal,
    'RXJ+': illegal,
    'RXJ-': illegal,
    RXR: illegal,
  },
  Starting: {
    Up: to('Req-Sent', 'irc', 'scr'),
    Down: illegal,
    Open: to('Starting'),
    Close: to('Initial', 'tlf'),
    'TO+': illegal,
    'TO-': illegal,
    'RCR+': illegal,
    'RCR-': illegal,
    RCA: illegal,
    RCN: illegal,
    RTR: illegal,
    RTA: illegal,
    RUC: illegal,
    'RXJ+': illegal,
    'RXJ-': illegal,
    RXR: illegal,
  },
  Closed: {
    Up: illegal,
    Down: to('Initial'),
    Open: to('Req-Sent', 'irc', 'scr'),
    Close: to('Closed'),
    'TO+': illegal,
    'TO-': illegal,
    'RCR+': to('Closed', 'sta'),
    'RCR-': to('Closed', 'sta'),
    RCA: to('Closed', 'sta'),
    RCN: to('Closed', 'sta'),
    RTR: to('Closed', 'sta'),
    RTA: to('Closed'),
    RUC: to('Closed', 'scj'),
    'RXJ+': to('Closed'),
    'RXJ-': to('Closed', 'tlf'),
    RXR: to('Closed'),
  },
  Stopped: {
    Up: illegal,
    Down: to('Starting', 'tls'),
    Open: to('Stopped'),
    Close: to('Closed'),
    'TO+': illegal,
    'TO-': illegal,
    'RCR+': to('Ack-Sent', 'irc', 'scr', 'sca'),
    'RCR-': to('Req-Sent', 'irc', 'scr', 'scn'),
    RCA: to('Stopped', 'sta'),
    RCN: to('Stopped', 'sta'),
    RTR: to('Stopped', 'sta'),
    RTA: to('Stopped'),
    RUC: to('Stopped', 'scj'),
    'RXJ+': to('Stopped'),
    'RXJ-': to('Stopped', 'tlf'),
    RXR: to('Stopped'),
  },
  Closing: {
    Up: illegal,
    Down: to('Initial'),
    Open: to('Stopping'),
    Close: to('Closing'),
    'TO+': to('Closing', 'str'),
    'TO-': to('Closed', 'tlf'),
    'RCR+': to('Closing'),
    'RCR-': to('Closing'),
    RCA: to('Closing'),
    RCN: to('Closing'),
    RTR: to('Closing', 'sta'),
    RTA: to('Closed', 'tlf'),
    RUC: to('Closing', 'scj'),
    'RXJ+': to('Closing'),
    'RXJ-': to('Closed', 'tlf'),
    RXR: to('Closing'),
  },
  Stopping: {
    Up: illegal,
    Down: to('Starting'),
    Open: to('Stopping'),
    Close: to('Closing'),
    'TO+': to('Stopping', 'str'),
    'TO-': to('Stopped', 'tlf'),
    'RCR+': to('Stopping'),
    'RCR-': to('Stopping'),
    RCA: to('Stopping'),
    RCN: to('Stopping'),
    RTR: to('Stopping', 'sta'),
    RTA: to('Stopped', 'tlf'),
    RUC: to('Stopping', 'scj'),
    'RXJ+': to('Stopping'),
    'RXJ-': to('Stopped', 'tlf'),
    RXR: to('Stopping'),
  },
  'Req-Sent': {
    Up: illegal,
    Down: to('Starting'),
    Open: to('Req-Sent'),
    Close: to('Closing', 'irc', 'str'),
    'TO+': to('Req-Sent', 'scr'),
    'TO-': to('Stopped', 'tlf'),
    'RCR+': to('Ack-Sent', 'sca'),
    'RCR-': to('Req-Sent', 'scn'),
    RCA: to('Ack-Rcvd', 'irc'),
    RCN: to('Req-Sent', 'irc', 'scr'),
    RTR: to('Req-Sent', 'sta'),
    RTA: to('Req-Sent'),
    RUC: to('Req-Sent', 'scj'),
    'RXJ+': to('Req-Sent'),
    'RXJ-': to('Stopped', 'tlf'),
    RXR: to('Req-Sent'),
  },
  'Ack-Rcvd': {
    Up: illegal,
    Down: to('Starting'),
    Open: to('Ack-Rcvd'),
    Close: to('Closing', 'irc', 'str'),
    'TO+': to('Req-Sent', 'scr'),
    'TO-': to('Stopped', 'tlf'),
    'RCR+': to('Opened', 'sca', 'tlu'),
    'RCR-': to('Ack-Rcvd', 'scn'),
    RCA: to('Req-Sent', 'scr'),
    RCN: to('Req-Sent', 'scr'),
    RTR: to('Req-Sent', 'sta'),
    RTA: to('Req-Sent'),
    RUC: to('Ack-Rcvd', 'scj'),
    'RXJ+': to('Req-Sent'),
    'RXJ-': to('Stopped', 'tlf'),
    RXR: to('Ack-Rcvd'),
  },
  'Ack-Sent': {
    Up: illegal,
    Down: to('Starting'),
    Open: to('Ack-Sent'),
    Close: to('Closing', 'irc', 'str'),
    'TO+': to('Ack-Sent', 'scr'),
    'TO-': to('Stopped', 'tlf'),
    'RCR+': to('Ack-Sent', 'sca'),
    'RCR-': to('Req-Sent', 'scn'),
    RCA: to('Opened', 'irc', 'tlu'),
    RCN: to('Ack-Sent', 'irc', 'scr'),
    RTR: to('Req-Sent', 'sta'),
    RTA: to('Ack-Sent'),
    RUC: to('Ack-Sent', 'scj'),
    'RXJ+': to('Ack-Sent'),
    'RXJ-': to('Stopped', 'tlf'),
    RXR: to('Ack-Sent'),
  },
  Opened: {
    Up: illegal,
    Down: to('Starting', 'tld'),
    Open: to('Opened'),
    Close: to('Closing', 'tld', 'irc', 'str'),
    'TO+': illegal,
    'TO-': illegal,
    'RCR+': to('Ack-Sent', 'tld', 'scr', 'sca'),
    'RCR-': to('Req-Sent', 'tld', 'scr', 'scn'),
    RCA: to('Req-Sent', 'tld', 'scr'),
    RCN: to('Req-Sent', 'tld', 'scr'),
    RTR: to('Stopping', 'tld', 'zrc', 'sta'),
    RTA: to('Req-Sent', 'tld', 'scr'),
    RUC: to('Opened', 'scj'),
    'RXJ+': to('Opened'),
    'RXJ-': to('Stopping', 'tld', 'irc', 'str'),
    RXR: to('Opened', 'ser'),
  },
};

/** "The states in which the Restart timer is running are identifiable by the presence of TO events." Section 4.1. */
export function restartTimerRuns(state: AutomatonState): boolean {
  return TRANSITIONS[state]['TO+'] !== null;
}

/** Section 4.6. */
export interface AutomatonTiming {
  readonly restartTimer_ms: number;
  readonly maxConfigure: number;
  readonly maxTerminate: number;
}

/** Carries out the actions that go outwards, in the order of the table, when the new state already stands. */
export interface AutomatonActions {
  /** Must not call handle() again. */
  perform(action: OutwardAction, now_ms: number): void;
}

/** One automaton. */
export class Automaton {
  state: AutomatonState = 'Initial';
  /** How many more Configure-Requests or Terminate-Requests may be sent. */
  restartCounter = 0;
  /** When the restart timer expires; undefined while it does not run. */
  restartAt_ms: number | undefined = undefined;
  readonly #timing: AutomatonTiming;
  readonly #actions: AutomatonActions;
  #inTransition = false;

  constructor(timing: AutomatonTiming, actions: AutomatonActions) {
    this.#timing = timing;
    this.#actions = actions;
  }

  /** Another has gone through the negotiation: state Opened stands at once, as the event RCA would have left it. */
  takeOver(): void {
    if (this.state !== 'Initial') throw new Error(`a negotiation is taken over in state ${this.state}`);
    this.state = 'Opened';
    this.restartCounter = this.#timing.maxConfigure;
  }

  /** Takes one event. An event that the table calls illegal is an error of the caller and throws. */
  handle(event: AutomatonEvent, now_ms: number): void {
    const transition = TRANSITIONS[this.state][event];
    if (transition === null) throw new Error(`event ${event} is illegal in state ${this.state}`);
    if (this.#inTransition) throw new Error(`event ${event} inside a transition`);
    this.#inTransition = true;
    this.state = transition.next;
    if (!restartTimerRuns(this.state)) this.restartAt_ms = undefined;
    for (const action of transition.actions) this.#act(action, now_ms);
    this.#inTransition = false;
  }

  /** Turns the expiry of the restart timer into TO+ or TO-; does nothing before it. */
  handleTimeout(now_ms: number): void {
    if (this.restartAt_ms === undefined || now_ms < this.restartAt_ms) return;
    this.handle(this.restartCounter > 0 ? 'TO+' : 'TO-', now_ms);
  }

  #act(action: AutomatonAction, now_ms: number): void {
    switch (action) {
      case 'irc':
        this.restartCounter = this.#isTerminating() ? this.#timing.maxTerminate : this.#timing.maxConfigure;
        return;
      case 'zrc':
        this.restartCounter = 0;
        this.#startTimer(now_ms);
        return;
      case 'scr':
      case 'str':
        this.restartCounter = Math.max(0, this.restartCounter - 1);
        this.#startTimer(now_ms);
    }
    this.#actions.perform(action, now_ms);
  }

  #isTerminating(): boolean {
    return this.state === 'Closing' || this.state === 'Stopping';
  }

  #startTimer(now_ms: number): void {
    this.restartAt_ms = now_ms + this.#timing.restartTimer_ms;
  }
}
