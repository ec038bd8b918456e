// The ranges of the whole world, as this device has them.

export class Ranges {
  constructor(bytes) {
    this.bytes = bytes;
  }
}
