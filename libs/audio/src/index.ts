export * from './playhead';
export * from './resample';
