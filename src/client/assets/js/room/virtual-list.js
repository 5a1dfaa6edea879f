// @ts-check
/** @typedef {{key: string}} Keyed */

/**
 * A place that stays where it is while rows above it change.
 *
 * @typedef {{key: string, below: number}} Anchor `below`: px from the top of the view
 */

/**
 * @template {Keyed} R
 * @typedef {object} Options
 * @property {(row: R) => HTMLElement} render
 * @property {(row: R) => number} estimate its height before it is measured, in px
 * @property {() => void} moved called after each change of what is seen
 */

/** What is drawn beyond the view, in px on each side. */
const BEYOND = 800;
/** So near to the end one is at the end. */
const AT_END = 24;
/** Each pass measures what the one before has brought; more than two are needed by no real text. */
const PASSES = 5;

/**
 * A long list of which only what is near the view is in the document. What is looked at stays where
 * it is when rows come, go or change their height; at the end it follows the end.
 *
 * @template {Keyed} R
 */
export class VirtualList {
  /** @type {R[]} */
  #rows = [];
  /** @type {Options<R>} */
  #options;
  /** Measured, by key. @type {Map<string, number>} */
  #heights = new Map();
  /** Where each row begins, and at the end where the last one ends. */
  #tops = new Float64Array(1);
  /** @type {Map<string, {row: R, element: HTMLElement}>} */
  #drawn = new Map();
  #from = 0;
  #to = 0;
  #following = true;
  #lastTop = 0;
  #width = 0;
  #above = document.createElement("div");
  #below = document.createElement("div");
  #observer;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} inside of the scroller, and nothing else but rows in it
   * @param {Options<R>} options
   */
  constructor(scroller, inside, options) {
    this.scroller = scroller;
    this.inside = inside;
    this.#options = options;
    inside.append(this.#above, this.#below);
    this.#observer = new ResizeObserver(() => this.#resized());
    this.#observer.observe(scroller);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Whether the end is in view and stays there. */
  get following() {
    return this.#following;
  }

  /** Whether the beginning is so near that more should be brought. */
  get nearTop() {
    return this.scroller.scrollTop < 2 * BEYOND;
  }

  get nearEnd() {
    const { scrollTop, clientHeight } = this.scroller;
    return this.#total - scrollTop - clientHeight < 2 * BEYOND;
  }

  /** The rows in view, the partly seen ones too. */
  get seen() {
    const { scrollTop, clientHeight } = this.scroller;
    const last = this.#at(scrollTop + clientHeight - 1);
    return this.#rows.slice(this.#at(scrollTop), last + 1);
  }

  get #total() {
    return this.#tops[this.#rows.length];
  }

  /** @param {R[]} rows */
  show(rows) {
    const anchors = this.#anchors();
    this.#rows = rows;
    this.#layout(anchors);
  }

  /** Goes to the end and stays there. */
  follow() {
    this.#following = true;
    this.#layout([]);
  }

  /**
   * Brings a row into view.
   *
   * @param {string} key
   * @param {number} [share] how far down in the view, from 0 to 1
   */
  goTo(key, share = 0.3) {
    this.#following = false;
    this.#layout([{ key, below: this.scroller.clientHeight * share }]);
  }

  /**
   * The element of a row that is drawn.
   *
   * @param {string} key
   */
  elementOf(key) {
    return this.#drawn.get(key)?.element;
  }

  end() {
    this.#observer.disconnect();
  }

  /**
   * The row at a height.
   *
   * @param {number} y
   */
  #at(y) {
    let low = 0;
    let high = Math.max(0, this.#rows.length - 1);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tops[middle + 1] > y) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * What is looked at, first what is to stay before all else. Later ones are for when a row is gone.
   *
   * @returns {Anchor[]}
   */
  #anchors() {
    const { scrollTop, clientHeight } = this.scroller;
    /** @type {Anchor[]} */
    const found = [];
    for (let at = this.#at(scrollTop); at < this.#rows.length; at += 1) {
      if (this.#tops[at] > scrollTop + clientHeight) break;
      found.push({ key: this.#rows[at].key, below: this.#tops[at] - scrollTop });
    }
    // One that is wholly in view says more of what somebody reads than one that is cut off.
    const whole = found.findIndex(({ below }) => below >= 0);
    return whole > 0 ? [...found.slice(whole), ...found.slice(0, whole)] : found;
  }

  /** @param {Anchor[]} anchors */
  #layout(anchors) {
    const { scroller } = this;
    const places = new Map(this.#rows.map((row, at) => [row.key, at]));
    const anchor = anchors.find(({ key }) => places.has(key));
    const height = scroller.clientHeight;
    let top = scroller.scrollTop;
    for (let pass = 0; pass < PASSES; pass += 1) {
      this.#place();
      if (this.#following) top = this.#total - height;
      else if (anchor) top = this.#tops[places.get(anchor.key) ?? 0] - anchor.below;
      top = Math.max(0, Math.min(top, this.#total - height));
      this.#draw(this.#at(top - BEYOND), this.#at(top + height + BEYOND) + 1);
      if (!this.#measure()) break;
    }
    if (Math.abs(scroller.scrollTop - top) >= 1) scroller.scrollTop = top;
    this.#lastTop = scroller.scrollTop;
    if (this.#total - this.#lastTop - height < AT_END) this.#following = true;
    this.#options.moved();
  }

  #place() {
    const tops = new Float64Array(this.#rows.length + 1);
    this.#rows.forEach((row, at) => {
      tops[at + 1] = tops[at] + (this.#heights.get(row.key) ?? this.#options.estimate(row));
    });
    this.#tops = tops;
  }

  /**
   * Brings rows into the document and takes all others out.
   *
   * @param {number} from
   * @param {number} to
   */
  #draw(from, to) {
    this.#from = from;
    this.#to = Math.min(to, this.#rows.length);
    const wanted = this.#rows.slice(from, this.#to);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const key of [...this.#drawn.keys()]) if (!keys.has(key)) this.#drop(key);
    // First what is drawn anew in its place, for that must not be what stands next.
    const elements = wanted.map((row) => this.#elementFor(row));
    let next = this.#above.nextSibling;
    for (const element of elements) {
      if (element === next) next = element.nextSibling;
      else this.inside.insertBefore(element, next);
    }
    // Few rows stand at the bottom, where the next one will appear.
    const free = Math.max(0, this.scroller.clientHeight - this.#total);
    this.#above.style.height = `${this.#tops[from] + free}px`;
    this.#below.style.height = `${this.#total - this.#tops[this.#to]}px`;
  }

  /** @param {R} row */
  #elementFor(row) {
    const drawn = this.#drawn.get(row.key);
    if (drawn?.row === row) return drawn.element;
    const element = this.#options.render(row);
    if (drawn) {
      this.#observer.unobserve(drawn.element);
      this.#keepFocus(drawn.element);
      drawn.element.replaceWith(element);
    }
    this.#drawn.set(row.key, { row, element });
    this.#observer.observe(element);
    return element;
  }

  /** @param {string} key */
  #drop(key) {
    const element = this.#drawn.get(key)?.element;
    this.#drawn.delete(key);
    if (!element) return;
    this.#observer.unobserve(element);
    this.#keepFocus(element);
    element.remove();
  }

  /**
   * Who was at a control of a row that goes away is at the list, not at the top of the document.
   *
   * @param {HTMLElement} element
   */
  #keepFocus(element) {
    if (element.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
  }

  /** @returns {boolean} whether any height is another one than was believed */
  #measure() {
    let changed = false;
    for (const [key, { element }] of this.#drawn) {
      const height = element.getBoundingClientRect().height;
      if (Math.abs((this.#heights.get(key) ?? -1) - height) < 0.5) continue;
      this.#heights.set(key, height);
      changed = true;
    }
    return changed;
  }

  #scrolled() {
    const { scrollTop, clientHeight } = this.scroller;
    const atEnd = this.#total - scrollTop - clientHeight < AT_END;
    // Content that grows is no reason to stop following; only somebody who moves up is.
    if (atEnd) this.#following = true;
    else if (scrollTop < this.#lastTop - 1) this.#following = false;
    this.#lastTop = scrollTop;
    const near = BEYOND / 2;
    const above = this.#from > 0 && this.#tops[this.#from] > scrollTop - near;
    const below =
      this.#to < this.#rows.length && this.#tops[this.#to] < scrollTop + clientHeight + near;
    if (above || below) this.#layout(this.#following ? [] : this.#anchors());
    else this.#options.moved();
  }

  #resized() {
    const anchors = this.#anchors();
    const width = this.scroller.clientWidth;
    // Text breaks elsewhere: nothing that was measured holds any more.
    if (width !== this.#width) this.#heights.clear();
    this.#width = width;
    this.#measure();
    this.#layout(anchors);
  }
}
