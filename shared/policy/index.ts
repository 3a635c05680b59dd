export type { AccessRequest, NamedPolicy, Subject } from './access-request.ts'
export { compilePolicy } from './compile-policy.ts'
export type { CompiledPolicy, Condition, PolicyKind, PrincipalList, Statement } from './compiled-policy.ts'
export {
  type DecidingStatement,
  type Decision,
  decideByResourcePolicy,
  decideByUnion,
  type GrantInForce,
  type Lacking,
} from './decide.ts'
export { MalformedPolicyError, type PolicyFault } from './errors.ts'
export type { ConditionContext, Identity } from './identity.ts'
export { findMissingStatements, type MissingStatement, type PlainStatement } from './missing-statements.ts'
