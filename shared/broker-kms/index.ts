export { openBrokerKms } from './open-broker-kms.ts'
