export * from './ask';
export * from './epoch-fence';
export * from './intake';
export * from './peers';
export * from './planned-stop';
export * from './remember';
export * from './trace';
export * from './work-group';
