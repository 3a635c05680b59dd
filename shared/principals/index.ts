export { addPrincipal, addRole, addService, type NewPrincipal } from './add-principal.ts'
export { ADMINISTRATOR_ACCESS } from './administrator-access.ts'
export { addAccessKey, changeAccessKey } from './change-access-keys.ts'
export { assertPolicyName, putPolicy, putTrustPolicy, readPolicy, removePolicy } from './change-policies.ts'
export { changeAttributes, removePrincipal, setOrganization } from './change-principal.ts'
export {
  PrincipalArnError,
  PrincipalExistsError,
  PrincipalsFileExposedError,
  PrincipalsFileLockedError,
  PrincipalsFileMissingError,
} from './errors.ts'
export { type ListedPrincipal, listPolicies, listPrincipals, readPolicyOf } from './list-principals.ts'
export { openPrincipals, type Principals } from './open-principals.ts'
export type { Principal, Role, Signer } from './principal.ts'
export { parsePrincipalArn, roleArnOf, userArnOf } from './principal-arn.ts'
export type { PolicyDocuments } from './principals-file.ts'
export { reportReloads, reportStaleness } from './report-reloads.ts'
