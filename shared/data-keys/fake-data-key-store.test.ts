import { createFakeClock } from '#shared/clock'
import { testDataKeyStore } from './data-key-store-conformance.ts'
import { createFakeDataKeyStore } from './fake-data-key-store.ts'

testDataKeyStore('a data-key store in memory', async () => {
  const clock = createFakeClock()
  return {
    store: createFakeDataKeyStore({ clock }),
    expireLock: async () => clock.advance(60_001),
    passTime: async (ms) => clock.advance(ms),
    // A day: longer than any record or lock lives.
    clear: async () => clock.advance(86_400_000),
    close: async () => {},
  }
})
