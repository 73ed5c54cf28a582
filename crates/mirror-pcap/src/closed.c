/*
 * Keeps standard streams that are closed when the program starts recognisable.
 *
 * Before anything of ours runs, Rust's standard library opens /dev/null in place of such a stream,
 * for reading and writing, as others (subprocess.DEVNULL of Python) do on purpose for output that
 * nobody wants. So a capture written to a closed standard output would count as written. Here, and
 * earlier still, what is closed becomes a /dev/null that is open the wrong way round: nothing else
 * takes its number, and streams.rs tells it from one that somebody has opened to be used.
 */
#include <fcntl.h>

__attribute__((constructor)) static void keep_closed_streams(void)
{
    for (int stream = 0; stream <= 2; stream++) {
        /* The lowest free number is given out, and all below are taken. */
        if (fcntl(stream, F_GETFD) == -1) {
            (void)open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
        }
    }
}
