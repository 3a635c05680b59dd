/** What every load test takes: where its settings come from and where its report goes. */

import { setting } from './setting.ts'

export const OUTPUT_SETTINGS = {
  scenario: setting.text(
    '',
    'settings from a JSON file, or by name from loadtest/scenarios; flags win over it',
    'file',
  ),
  json: setting.text('', 'write the report there as JSON', 'file'),
  html: setting.text('', 'write the report there as one HTML page with charts', 'file'),
  keep: setting.boolean(false, 'keep the report under loadtest/results'),
}
