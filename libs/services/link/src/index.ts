export * from './ask';
export * from './intake';
export * from './peers';
export * from './planned-stop';
export * from './trace';
export * from './work-group';
