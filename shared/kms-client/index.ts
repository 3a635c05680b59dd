export {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsInvalidKeyUsageError,
  KmsInvalidStateError,
  KmsNotFoundError,
  KmsOptInRequiredError,
  KmsThrottlingError,
  KmsUnavailableError,
} from './errors.ts'
export {
  createKmsClient,
  type KmsClient,
  type KmsCredential,
  type KmsPurpose,
  type KmsRequestObserver,
} from './kms-client.ts'
export { qualifyKeyId } from './qualify-key-id.ts'
