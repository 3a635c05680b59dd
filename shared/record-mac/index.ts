export { RecordForgedError, SecretRingError } from './errors.ts'
export { createRecordMac, type RecordKind, type RecordMac } from './record-mac.ts'
export { createSecretRing, type SecretRing } from './secret-ring.ts'
