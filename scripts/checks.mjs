// Counts named checks and ends the process with the count on the last line.
export class Checks {
  constructor(name) {
    this.name = name;
    this.passed = 0;
    this.failed = 0;
  }

  /** Passes when `offenders` is empty; prints them otherwise. */
  empty(what, offenders) {
    if (offenders.length === 0) {
      this.passed += 1;
      return;
    }
    this.failed += 1;
    console.log(`FAILED  ${what}`);
    for (const line of offenders.slice(0, 20)) console.log(`        ${line}`);
    if (offenders.length > 20) console.log(`        … and ${offenders.length - 20} more`);
  }

  end() {
    console.log(`${this.name}: ${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }
}
