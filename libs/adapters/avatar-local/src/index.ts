export { createLocalAvatar } from './local-avatar';
