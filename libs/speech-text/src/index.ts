export * from './continuation';
export * from './heard-text';
export * from './segmenter';
export * from './speakable';
export * from './visemes';
export * from './text-visemes';
