/** What the SDK would find on the machine that runs a test. */

import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Nothing of the machine's own, and no metadata service. */
export function clearEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  const nowhere = join(tmpdir(), 'sealcast-no-such-file')
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
  })
}
