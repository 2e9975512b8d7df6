export * from './heard-text';
export * from './segmenter';
export * from './speakable';
