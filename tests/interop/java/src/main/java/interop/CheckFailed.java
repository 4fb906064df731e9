package interop;

/** An assertion of a scenario does not hold; the message says what was found. */
final class CheckFailed extends RuntimeException {
    CheckFailed(String message) {
        super(message);
    }
}
