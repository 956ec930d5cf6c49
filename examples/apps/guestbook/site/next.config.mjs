export default {
  // A folder with all that the server needs, and nothing else.
  output: "standalone",
  // There may be other lock files above.
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
};
