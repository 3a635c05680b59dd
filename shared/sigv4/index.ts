export { type DistinctHeaders, distinctHeaders } from './distinct-headers.ts'
export {
  IncompleteSignatureError,
  InvalidClientTokenIdError,
  MissingAuthenticationTokenError,
  RequestExpiredError,
  SignatureDoesNotMatchError,
} from './errors.ts'
export { type HttpRequestParts, type ParsedSignature, parseSignature } from './parse-signature.ts'
export { signRequest } from './sign-request.ts'
export { createSignatureVerifier, type SignatureVerifier } from './verify-signature.ts'
