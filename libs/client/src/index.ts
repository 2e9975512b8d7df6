export * from './client-system';
export * from './connection-status';
export * from './emitter';
export * from './parley-client';
export * from './playout';
export * from './playout-timeline';
export * from './server-events';
export * from './socket';
