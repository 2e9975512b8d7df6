// Ends the process with one clear line when Node is too old. To be imported first, and by files that import nothing
// else statically: newer syntax would be a syntax error before this could speak. Hence also the old syntax here.

var OLDEST = [20, 19];

var parts = process.versions.node.split('.').map(Number);
if (parts[0] < OLDEST[0] || (parts[0] === OLDEST[0] && parts[1] < OLDEST[1])) {
  process.stderr.write(
    'error: Parley needs Node ' + OLDEST.join('.') + ' or newer, this is ' + process.versions.node + '\n',
  );
  process.exit(1);
}
