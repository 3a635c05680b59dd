export { AUTHORIZATION, type AuthorizationRule, type AuthorizedAction } from './authorization-table.ts'
export { createConditionContext, isOfRequest, type TopicCaller, type WantedEndpoint } from './condition-context.ts'
export { decideTopicAccess, type Target } from './decide-topic-access.ts'
export { createTopicPolicies, readPolicyAttribute } from './topic-policies.ts'
