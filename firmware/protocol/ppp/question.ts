/**
 * One question at a time to the outside, whose answers bear no name: an answer to a question that has lost its
 * meaning (LCP has begun anew since) is recognised and dropped, and the next question waits for it. Must not know what
 * is asked.
 */

export class Question<Content> {
  #state: 'none' | 'asked' | 'abandoned' = 'none';
  #next: { content: Content } | undefined;

  /** True: to be asked at once; false: when the answer to the abandoned question has come. */
  ask(content: Content): boolean {
    if (this.#state === 'asked') throw new Error('the question before has not been answered');
    if (this.#state === 'abandoned') {
      this.#next = { content };
      return false;
    }
    this.#state = 'asked';
    return true;
  }

  /** Nobody wants the answer any more. */
  abandon(): void {
    this.#next = undefined;
    if (this.#state === 'asked') this.#state = 'abandoned';
  }

  /** An answer has come; `isWanted` when it is one to the question that stands; `next` has waited for it and is to be asked. */
  takeAnswer(): { isWanted: boolean; next: { content: Content } | undefined } {
    if (this.#state === 'none') throw new Error('an answer without a question');
    const isWanted = this.#state === 'asked';
    const next = this.#next;
    this.#next = undefined;
    this.#state = next === undefined ? 'none' : 'asked';
    return { isWanted, next };
  }
}
