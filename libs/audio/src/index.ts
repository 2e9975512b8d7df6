export * from './g711';
export * from './playhead';
export * from './resample';
