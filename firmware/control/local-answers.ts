/**
 * Answers the roles' questions from the box's own settings, users and pools. Must not wait for anything: a question
 * about a user is answered within the turn in which it is asked.
 */

import type { Answer, Question } from '../roles/role.js';
import type { Store } from '../store/store.js';
import type { AddressPools } from './address-pool.js';
import { authenticateLocally } from './local-aaa.js';
import { authorizationOf } from './local-authorization.js';
import { decideTunnel } from './tunnel-policy.js';

export class LocalAnswers {
  readonly #store: Store;
  readonly #pools: AddressPools;
  readonly #endCall: (callId: number, reason: string) => void;

  /** `endCall` is called for a call that has a user's fixed address when that user is there again. */
  constructor(store: Store, pools: AddressPools, endCall: (callId: number, reason: string) => void) {
    this.#store = store;
    this.#pools = pools;
    this.#endCall = endCall;
  }

  answer(question: Exclude<Question, { type: 'resolve' }>): Answer {
    const { questionId } = question;
    switch (question.type) {
      case 'authorize-tunnel': {
        const settings = this.#store.documents.settings();
        return {
          type: 'authorize-tunnel',
          questionId,
          ...decideTunnel(settings, question.path.peerAddress, question.peerHostName),
        };
      }
      case 'authenticate': {
        const { documents } = this.#store;
        const user = documents.user(question.userName);
        const answer = authenticateLocally(question.request, user?.enabled ? user.password : undefined);
        const isAccepted = answer.accepted && user !== undefined;
        const authorization = isAccepted ? authorizationOf(user, documents.settings().lac) : undefined;
        return { type: 'authenticate', questionId, answer, authorization };
      }
      case 'lease':
        return this.#lease(question);
    }
  }

  /** A fixed address that an older call still holds: most often that call is dead and nobody has noticed yet. */
  #lease({ questionId, callId, userName }: Extract<Question, { type: 'lease' }>): Answer {
    const answer = this.#pools.lease(callId, userName);
    if (answer.granted) {
      return { type: 'lease', questionId, granted: true, lease: { address: answer.address, routes: answer.routes } };
    }
    if (answer.holder !== undefined) this.#endCall(answer.holder, 'the user has called again');
    return { type: 'lease', questionId, granted: false, reason: answer.reason };
  }
}
