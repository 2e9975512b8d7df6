export { connectRedisStore, type RedisStoreOptions } from './connect';
export type { RedisStore } from './redis-store';
