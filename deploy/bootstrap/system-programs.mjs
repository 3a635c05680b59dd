/** The programs of the system that commands need, each with what to tell whoever has to install it. */

export const REDIS = {
  program: 'redis-server',
  howToInstall: [
    'redis-server is not in PATH. Install it and run this again:',
    '  Debian, Ubuntu  sudo apt-get install --no-install-recommends redis-server && sudo systemctl disable --now redis-server',
    '  Fedora          sudo dnf install redis',
    '  macOS           brew install redis',
    'or name a server of yours for `npm run up`: SEALCAST_REDIS_URL=redis://…',
  ].join('\n'),
}

/** The client of the benchmark. */
export const WRK = {
  program: 'wrk',
  howToInstall: [
    'wrk is not in PATH. Install it and run this again:',
    '  Debian, Ubuntu  sudo apt-get install wrk',
    '  elsewhere       build it from its source: https://github.com/wg/wrk',
  ].join('\n'),
}

/** Sees when Redis syncs its file. */
export const STRACE = {
  program: 'strace',
  howToInstall: [
    'strace is not in PATH. Install it and run this again:',
    '  Debian, Ubuntu  sudo apt-get install strace',
    '  Fedora          sudo dnf install strace',
    'It exists on Linux alone.',
  ].join('\n'),
}

/** Reads the metrics of a stack; promtool, which checks its rules, comes with it. */
export const PROMETHEUS = {
  program: 'prometheus',
  howToInstall: [
    'prometheus is not in PATH. Install it and run this again:',
    '  Debian, Ubuntu  sudo apt-get install --no-install-recommends prometheus && sudo systemctl disable --now prometheus',
    '  macOS           brew install prometheus',
    '  elsewhere       put prometheus and promtool of a release into PATH: https://prometheus.io/download',
  ].join('\n'),
}
