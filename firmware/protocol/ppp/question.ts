/**
 * One question at a time to the outside, whose answers bear no name: an answer to a question that has lost its
 * meaning (LCP has begun anew since) is recognised and dropped, and the next question waits for it. Must not know what
 * is asked.
 */

export class Question<Content> {
  readonly #ask: (content: Content) => void;
  #state: 'none' | 'asked' | 'abandoned' = 'none';
  #next: { content: Content } | undefined;

  constructor(ask: (content: Content) => void) {
    this.#ask = ask;
  }

  /** Asks at once, or when the answer to the abandoned question has come. */
  ask(content: Content): void {
    if (this.#state === 'asked') throw new Error('the question before has not been answered');
    if (this.#state === 'abandoned') {
      this.#next = { content };
      return;
    }
    this.#state = 'asked';
    this.#ask(content);
  }

  /** Nobody wants the answer any more. */
  abandon(): void {
    this.#next = undefined;
    if (this.#state === 'asked') this.#state = 'abandoned';
  }

  /** An answer has come; true when it is one to the question that stands. */
  takeAnswer(): boolean {
    if (this.#state === 'none') throw new Error('an answer without a question');
    const isWanted = this.#state === 'asked';
    this.#state = 'none';
    if (this.#next !== undefined) {
      const { content } = this.#next;
      this.#next = undefined;
      this.ask(content);
    }
    return isWanted;
  }
}
