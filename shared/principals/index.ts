export { addPrincipal, type NewPrincipal } from './add-principal.ts'
export { ADMINISTRATOR_ACCESS } from './administrator-access.ts'
export {
  PrincipalArnError,
  PrincipalExistsError,
  PrincipalsFileExposedError,
  PrincipalsFileLockedError,
  PrincipalsFileMissingError,
} from './errors.ts'
export { openPrincipals, type Principals } from './open-principals.ts'
export type { Principal, Role, Signer } from './principal.ts'
export { roleArnOf, userArnOf } from './principal-arn.ts'
export type { PolicyDocuments } from './principals-file.ts'
