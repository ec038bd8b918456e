// The server's own model files in this browser, on plain WebAssembly with one thread. Each loads when it is first needed.

import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.numThreads = 1; // more would need headers that forbid much else
ort.env.wasm.proxy = false; // this is a worker already

export class Models {
  #sessions = new Map();
  #read;

  /** `runtime`: bytes of the WebAssembly. `read`: returns the bytes of a model by the name of its file. */
  constructor(runtime, read) {
    ort.env.wasm.wasmBinary = runtime;
    this.#read = read;
  }

  /**
   * Return the outputs of a model by name, as typed arrays.
   * @param {Object<string, {data: Uint8Array | Float32Array | Float64Array, dims: number[]}>} inputs
   */
  async run(name, inputs) {
    if (!this.#sessions.has(name)) this.#sessions.set(name, this.#load(name));
    const session = await this.#sessions.get(name);
    const types = new Map([[Uint8Array, "uint8"], [Float32Array, "float32"], [Float64Array, "float64"]]);
    const feed = Object.entries(inputs).map(([input, { data, dims }]) => [input, new ort.Tensor(types.get(data.constructor), data, dims)]);
    const outputs = await session.run(Object.fromEntries(feed));
    return Object.fromEntries(Object.entries(outputs).map(([output, { data }]) => [output, data]));
  }

  async #load(name) {
    const session = await ort.InferenceSession.create(await this.#read(name), { executionProviders: ["wasm"] });
    ort.env.wasm.wasmBinary = undefined; // it is compiled by now
    return session;
  }
}
