export { type Clock, systemClock } from './clock.ts'
export { createFakeClock, type FakeClock } from './fake-clock.ts'
