//! Raw bytes in every common dress: hexadecimal, dumps, Base64, binary files.
