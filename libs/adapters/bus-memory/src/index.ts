export * from './memory-bus';
export * from './memory-bus-server';
