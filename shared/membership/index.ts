export { createMembership, MAX_MEMBERS, type MemberRole, type Membership } from './membership.ts'
