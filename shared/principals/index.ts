export { addPrincipal, type NewPrincipal } from './add-principal.ts'
export {
  PrincipalArnError,
  PrincipalExistsError,
  PrincipalsFileExposedError,
  PrincipalsFileLockedError,
  PrincipalsFileMissingError,
} from './errors.ts'
export { openPrincipals, type Principal, type Principals } from './open-principals.ts'
export { userArnOf } from './principal-arn.ts'
