# What OpenWrt's build system offers a package, as far as its Makefile is looked at here: targets that
# print what it says and that install what it would put into the package.

INCLUDE_DIR:=$(TOPDIR)
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
CP:=cp -fpR
define NEWLINE


endef

# In the order of a build.
define Download
$(eval $(Download/$(1)))
downloads:: ; @echo '$(1) $(HASH) $(URL)/$(FILE)'
endef

define BuildPackage
$(eval $(Package/$(1)))
values: ; @echo '$(PKG_NAME)|$(PKG_VERSION)|$(DEPENDS)|$(USERID)|$(CATEGORY)'
conffiles: ; @echo $(subst $(NEWLINE), ,$(Package/$(1)/conffiles))
prepare:
	$(Build/Prepare)
arguments: ; @echo $(MESON_ARGS)
install:
	$(call Package/$(1)/install,$(DESTDIR))
endef
