// @ts-check
/** An event that brings something; `CustomEvent` is not there in every runtime of the tests. */
export class DetailEvent extends Event {
  /**
   * @param {string} type
   * @param {any} [detail]
   */
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

/** What others listen to. */
export class Emitter extends EventTarget {
  /**
   * Calls `listener` with the detail of each such event.
   *
   * @param {string} type
   * @param {(detail: any) => void} listener
   * @returns {() => void} ends it
   */
  on(type, listener) {
    /** @param {Event} event */
    const heard = (event) => listener(/** @type {DetailEvent} */ (event).detail);
    this.addEventListener(type, heard);
    return () => this.removeEventListener(type, heard);
  }

  /**
   * @param {string} type
   * @param {any} [detail]
   */
  emit(type, detail) {
    this.dispatchEvent(new DetailEvent(type, detail));
  }
}
