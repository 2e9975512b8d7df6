// An AudioWorklet of the test: hands on every sample that passes, silence too. A main thread that is late loses none.

class PageSamples extends globalThis.AudioWorkletProcessor {
  process([[channel]], [[output]]) {
    this.port.postMessage(channel === undefined ? new Float32Array(output.length) : channel.slice());
    return true;
  }
}

globalThis.registerProcessor('page-samples', PageSamples);
