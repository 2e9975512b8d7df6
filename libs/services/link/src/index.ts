export * from './ask';
export * from './peers';
export * from './trace';
