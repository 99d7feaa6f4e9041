/* Passwords made by the machine, for people to copy onto devices. */
#ifndef MOAT_APP_GENERATE_H
#define MOAT_APP_GENERATE_H

#define GENERATE_PASSWORD_SIZE 27 /* 26 characters and the NUL */

/* Writes a new password of 130 random bits. Its characters are lower-case letters and
 * digits without those easily mistaken for each other (0 o, 1 l), so none needs quoting
 * in a shell or a configuration file. The caller wipes it after use. */
void generate_password(char out_text[GENERATE_PASSWORD_SIZE]);

#endif
