export { connectNatsBus, type NatsBus, type NatsBusOptions } from './nats-bus';
