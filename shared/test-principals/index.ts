export { createTestPrincipal } from './create-test-principal.ts'
