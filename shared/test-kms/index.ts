export { createFaultControls } from './fault-controls.ts'
export { failure, refuses } from './refuses.ts'
export { startTestKms, type TestCredential, type TestKms, TestKmsStartError } from './start-test-kms.ts'
