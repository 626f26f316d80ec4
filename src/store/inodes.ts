/** What is known of files that have several links, by position: 0 is the one that was met first. Each takes 32 to 64 bytes. */
export class Inodes {
  #size = 0;
  #numbers = new Float64Array(FIRST);
  #bytes = new Float64Array(FIRST);
  #links = new Uint32Array(FIRST);
  /** Position + 1 by what is left of the number's hash, or the next place that was free; 0 where there is none. */
  #places = new Uint32Array(2 * FIRST);

  get size(): number {
    return this.#size;
  }

  /** Bytes on the disk. */
  bytesOf(position: number): number {
    return this.#bytes[position]!;
  }

  /** How many links it has anywhere. */
  linksOf(position: number): number {
    return this.#links[position]!;
  }

  /** The position of the inode of this number, which is new or has been met before. */
  add(number: number, bytes: number, links: number): number {
    if (this.#size === this.#numbers.length) this.#grow();
    const place = this.#placeOf(number);
    const known = this.#places[place]!;
    if (known > 0) return known - 1;
    const position = this.#size++;
    this.#places[place] = position + 1;
    this.#numbers[position] = number;
    this.#bytes[position] = bytes;
    this.#links[position] = links;
    return position;
  }

  /** Where the number stands, or would: linear probing, with half of the places free at least. */
  #placeOf(number: number): number {
    const last = this.#places.length - 1;
    let place = (Math.imul(number, 0x9e3779b1) >>> 7) & last;
    for (let known = this.#places[place]!; known > 0; known = this.#places[place]!) {
      if (this.#numbers[known - 1] === number) break;
      place = (place + 1) & last;
    }
    return place;
  }

  #grow(): void {
    const length = 2 * this.#numbers.length;
    this.#numbers = longer(this.#numbers, new Float64Array(length));
    this.#bytes = longer(this.#bytes, new Float64Array(length));
    this.#links = longer(this.#links, new Uint32Array(length));
    this.#places = new Uint32Array(2 * length);
    for (let position = 0; position < this.#size; position++)
      this.#places[this.#placeOf(this.#numbers[position]!)] = position + 1;
  }
}

/** A power of two. */
const FIRST = 4096;

function longer<A extends Float64Array | Uint32Array>(old: A, longer: A): A {
  longer.set(old);
  return longer;
}
