import { SAMPLE_RATE_HZ } from '@parley/model';

export interface PageAudio {
  context: AudioContext;
  /** All sound of the page passes this node. */
  destinationNode: GainNode;
}

declare global {
  interface Window {
    /** The page's inspection point: a test connects its AnalyserNodes to `destinationNode`. */
    parleyAudio?: PageAudio;
  }
}

/** The page's only audio context. It is suspended until `resume` follows a gesture of the user. */
export function openPageAudio(): PageAudio {
  const context = new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: 'interactive' });
  const destinationNode = context.createGain();
  destinationNode.connect(context.destination);
  window.parleyAudio = { context, destinationNode };
  return window.parleyAudio;
}
