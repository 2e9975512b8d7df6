const PATIENCE_MS = 20_000;

/**
 * @typedef {{ type: string } & Record<string, any>} RealtimeEvent
 * @typedef {(event: RealtimeEvent) => void} Send
 */

/** A conversation with a client that hands over the API's events as they are. */
export class Conversation {
  /** @type {RealtimeEvent[]} as the client handed them over */
  #events = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {Send} send
   * @param {import('./program.mjs').Told} told
   * @param {number} bytesPerMs of the audio it asked for
   */
  constructor(send, told, bytesPerMs) {
    this.send = send;
    this.told = told;
    this.bytesPerMs = bytesPerMs;
  }

  /** @param {RealtimeEvent} event */
  take(event) {
    this.#events.push(event);
    if (event.type === 'response.output_audio.delta') this.told.audioBytes += Buffer.from(event.delta, 'base64').length;
    if (event.type === 'response.output_audio_transcript.done') this.told.answers.push(event.transcript);
    if (event.type === 'response.output_text.done') this.told.answers.push(event.text);
    if (event.type === 'error') this.told.errors.push(event.error.code);
    for (const wake of [...this.#waiting]) wake();
  }

  /** A place in what has come, to look on from. */
  get here() {
    return this.#events.length;
  }

  get heardMs() {
    return this.told.audioBytes / this.bytesPerMs;
  }

  /**
   * The first event of a type from a place on.
   *
   * @param {string} type
   * @param {number} from
   * @param {(event: RealtimeEvent) => boolean} [isIt]
   */
  next(type, from, isIt = () => true) {
    return this.until(type, () => this.#events.slice(from).find((event) => event.type === type && isIt(event)));
  }

  /**
   * @template Found
   * @param {string} what
   * @param {() => Found | undefined | false} look
   * @returns {Promise<Found>}
   */
  until(what, look) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(new Error(`did not come: ${what}`))), PATIENCE_MS);
      const finish = (/** @type {() => void} */ settle) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle();
      };
      const check = () => {
        const found = look();
        if (found !== undefined && found !== false) finish(() => resolve(found));
      };
      this.#waiting.add(check);
      check();
    });
  }
}
