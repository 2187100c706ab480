/**
 * Step 4 to 5, 8 to 9 and 11 to 12: asks RADIUS who a user is and what it gets. Must not know what the role does with it.
 */
import type { Answer, Question } from '../../roles/role.js';
import type { Settings } from '../../settings.js';
import type { Log } from '../call-log.js';
import { type Asked, readAccessAccept, readRefusal, type Verdict } from './access-accept.js';
import { accessRequest } from './access-request.js';
import { RatedLog } from './rated-log.js';
import type { RadiusOutcome, RadiusTransport } from './transport.js';

type AuthenticateQuestion = Extract<Question, { type: 'authenticate' }>;
type AuthenticateAnswer = Extract<Answer, { type: 'authenticate' }>;

export interface RadiusAuthenticationDependencies {
  transport: Pick<RadiusTransport, 'request'>;
  /** As they are at the time. */
  settings(): Pick<Settings, 'radius' | 'system' | 'lac'>;
  /** Monotonic. */
  now_ms(): number;
  log: Log;
}

export class RadiusAuthentication {
  readonly #dependencies: RadiusAuthenticationDependencies;
  readonly #log: RatedLog;

  constructor(dependencies: RadiusAuthenticationDependencies) {
    this.#dependencies = dependencies;
    this.#log = new RatedLog(dependencies.log, dependencies.now_ms);
  }

  /** Calls `give` once: at once where RADIUS cannot be asked, later otherwise, never after the transport is closed. */
  authenticate(question: AuthenticateQuestion, give: (answer: AuthenticateAnswer) => void): void {
    const { transport, settings } = this.#dependencies;
    const { request, call, questionId, userName } = question;
    const asked: Asked = { role: call.role, protocol: request.protocol };
    const answer = ({ answer, authorization, problems }: Verdict): void => {
      if (problems.length > 0) {
        const message = answer.accepted ? 'RADIUS gives what cannot be taken' : 'user refused whatever RADIUS says';
        this.#log.warn(message, { user: userName, problems }, message);
      }
      give({ type: 'authenticate', questionId, answer, authorization });
    };
    const access = accessRequest(request, call, settings());
    if ('refused' in access) {
      answer({ ...REFUSED, problems: [access.refused] });
      return;
    }
    transport.request(access.request, (outcome) => answer(verdictOf(outcome, asked, settings())));
  }
}

const REFUSED = { answer: { accepted: false, message: 'Authentication failed' }, authorization: undefined } as const;

/** A server that does not answer is told of by the transport. */
const NO_REPLY: Verdict = {
  answer: { accepted: false, message: 'Authentication server does not answer' },
  authorization: undefined,
  problems: [],
};

function verdictOf(outcome: RadiusOutcome, asked: Asked, { lac }: Pick<Settings, 'lac'>): Verdict {
  if (outcome.type === 'no-reply') return NO_REPLY;
  if (outcome.code === 'accept') return readAccessAccept(outcome.values, asked, lac);
  const problems = outcome.code === 'challenge' ? ['Access-Challenge, which is not done here'] : [];
  return { answer: readRefusal(outcome.values), authorization: undefined, problems };
}
