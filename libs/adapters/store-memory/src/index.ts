export { MemoryStore } from './memory-store';
export { MemoryStoreServer } from './memory-store-server';
