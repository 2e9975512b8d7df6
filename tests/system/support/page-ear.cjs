// Runs in the browser, before the page's own scripts: hears and sees what a user would, and keeps all of it with its
// time, to be judged outside. Every 10 ms the sound at the page's inspection point; each drawn mouth and each shown
// state as it appears; what the user did.

(() => {
  const TICK_MS = 10;
  /** The level of what sounds now: 512 samples at 24 kHz, 1,024 at 48 kHz. */
  const LEVEL_WINDOW_MS = 25;
  /** Looks back so far that what sounds between two late ticks is seen too; bins of 3 Hz at 24 kHz. */
  const LONG_WINDOW_SAMPLES = 8192;
  const SILENCE_DB = -200;

  const { document, performance, MutationObserver } = globalThis;
  const recording = { frames: [], mouths: [], states: [], actions: [], violations: [] };
  const waiting = new Set();
  const samples = [];
  let tonesHz = [];

  globalThis.parleyEar = {
    /** The frequencies whose levels each frame tells. */
    watchTones(frequenciesHz) {
      tonesHz = frequenciesHz;
    },
    /** Resolves when so much more audio has sounded. */
    listen(audioMs) {
      return new Promise((resolve) => waiting.add({ untilMs: audioNowMs() + audioMs, resolve }));
    },
    /** From now on every sample is kept. `worklet`: the text of page-samples.cjs. */
    async keepSamples(worklet) {
      const { context, destinationNode } = globalThis.parleyAudio;
      const module = new globalThis.Blob([worklet], { type: 'text/javascript' });
      await context.audioWorklet.addModule(globalThis.URL.createObjectURL(module));
      const node = new globalThis.AudioWorkletNode(context, 'page-samples');
      node.port.onmessage = ({ data }) => samples.push(Int16Array.from(data, (sample) => Math.round(sample * 32_768)));
      // Only what leads to the device is run; it adds nothing but silence.
      destinationNode.connect(node).connect(context.destination);
    },
    /** Those kept so far: base64 of 16 bit. */
    samples() {
      const text = (block) => String.fromCharCode(...new Uint8Array(block.buffer));
      return globalThis.btoa(samples.map(text).join(''));
    },
    /** What was recorded since the last call. */
    drain() {
      return Object.fromEntries(Object.entries(recording).map(([name, entries]) => [name, entries.splice(0)]));
    },
  };

  const audioNowMs = () => globalThis.parleyAudio.context.currentTime * 1000;
  /** Both clocks at the moment of an event, which may have waited for its turn. */
  const momentOf = ({ timeStamp }) => ({
    atMs: timeStamp,
    audioMs: audioNowMs() - Math.max(0, performance.now() - timeStamp),
  });

  const capture = (type, isMeant, action) =>
    document.addEventListener(
      type,
      (event) => {
        if (isMeant(event)) recording.actions.push({ action, ...momentOf(event) });
      },
      true,
    );
  capture('submit', () => true, 'send');
  capture('click', ({ target }) => target.closest('[data-testid=interrupt]') !== null, 'interrupt');
  capture('keydown', ({ key }) => key === 'Escape', 'escape');
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    recording.violations.push(`${violatedDirective} ${blockedURI}`);
  });

  const observer = new MutationObserver((records) => {
    const at = { atMs: performance.now(), audioMs: audioNowMs() };
    for (const { target, attributeName } of records) {
      const value = target.getAttribute(attributeName);
      const { testid } = target.dataset;
      if (attributeName === 'data-mouth-open') recording.mouths.push({ ...at, open: Number(value) });
      else if (testid === 'state') recording.states.push({ ...at, state: value });
    }
  });
  const attributeFilter = ['data-mouth-open', 'data-state'];
  observer.observe(document, { subtree: true, attributes: true, attributeFilter });

  // By then the page's script, a module, has run and opened its audio.
  document.addEventListener('DOMContentLoaded', () => {
    const { context, destinationNode } = globalThis.parleyAudio;
    const analyser = (fftSize) => {
      const node = context.createAnalyser();
      node.fftSize = fftSize;
      node.smoothingTimeConstant = 0;
      destinationNode.connect(node);
      return node;
    };
    const level = analyser(2 ** Math.floor(Math.log2((context.sampleRate * LEVEL_WINDOW_MS) / 1000)));
    const long = analyser(LONG_WINDOW_SAMPLES);
    const now = new Float32Array(level.fftSize);
    const past = new Float32Array(long.fftSize);
    const spectrum = new Float32Array(long.frequencyBinCount);

    const toneDb = (hz) => {
      const bin = Math.round((hz * long.fftSize) / context.sampleRate);
      return Math.max(SILENCE_DB, spectrum[bin - 1], spectrum[bin], spectrum[bin + 1]);
    };
    setInterval(() => {
      // First the time: what is heard may be newer than it says, never older.
      const frame = { atMs: performance.now(), audioMs: audioNowMs() };
      level.getFloatTimeDomainData(now);
      long.getFloatTimeDomainData(past);
      long.getFloatFrequencyData(spectrum);
      const text = [...document.querySelectorAll('[data-testid=answer]')].at(-1)?.querySelector('p');
      recording.frames.push({
        ...frame,
        rms: Math.sqrt(now.reduce((sum, sample) => sum + sample * sample, 0) / now.length),
        peak: past.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
        tonesDb: tonesHz.map(toneDb),
        answerCharacters: text?.textContent.length ?? 0,
      });
      for (const waiter of waiting) {
        if (frame.audioMs < waiter.untilMs) continue;
        waiting.delete(waiter);
        waiter.resolve();
      }
    }, TICK_MS);
  });
})();
